"""Changes for vehicles over MQTT: what the public sees, retained by a broker, a topic for each feature and zone."""
