"""Whether the broker of the settings lets us in, found out without telling it anything."""

from __future__ import annotations

from aiomqtt import MqttError

from geoworks.config.nodes import MqttTable
from geoworks.errors import ConfigError, Problem
from geoworks.mqtt.address import read_address
from geoworks.mqtt.line import connected, tls_context


async def examine(settings: MqttTable) -> str:
    """Return where the broker is.

    Raises:
        ConfigError: it cannot be reached or does not let us in, or `mqtt.url` is no address of a broker.

    """
    address = read_address(settings.url)
    tls = tls_context() if address.secure else None
    try:
        async with connected(address, tls, timeout_s=settings.timeout_s):
            return f"the MQTT broker at {address.shown} lets us in"
    except MqttError as error:
        mend = "see that the broker runs, and that name, password and certificate are right"
        raise ConfigError(Problem("mqtt.url", f"{address.shown} lets nobody in: {error}", mend)) from error
