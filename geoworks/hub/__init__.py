"""Who is told of a change: subscriptions, connections, catch-up."""
