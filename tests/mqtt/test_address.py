"""Addresses of brokers, read and refused."""

from __future__ import annotations

import pytest

from geoworks.config.nodes import MqttTable
from geoworks.errors import ConfigError
from geoworks.mqtt.address import Address, read_address
from geoworks.mqtt.publisher import MqttPublisher
from geoworks.state import State


def test_an_address_is_read_whole() -> None:
    """Host, port, percent-encoded name and password, TLS; what is shown has neither name nor password."""
    assert read_address("mqtts://to%40wn:p%2Fw@broker.example.org") == Address(
        host="broker.example.org",
        port=8883,
        user="to@wn",
        password="p/w",
        secure=True,
        shown="mqtts://broker.example.org:8883",
    )
    plain = read_address("mqtt://[::1]:1884/")
    assert (plain.host, plain.port, plain.user, plain.secure) == ("::1", 1884, None, False)
    assert plain.shown == "mqtt://[::1]:1884"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "broker.example.org:1883",
        "nats://broker.example.org",
        "mqtt://",
        "mqtt://town:s3cret@broker.example.org:70000",
        "mqtt://town:s3cret@broker.example.org:port",
        "mqtt://town:s3cret@[::1",
        "mqtt://town:s3cret@broker.example.org/topic",
        "mqtt://town:s3cret@broker.example.org?tls=1",
        "mqtt://:s3cret@broker.example.org",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """At the start of the service, with how to mend it and without the password."""
    with pytest.raises(ConfigError, match=r"mqtt\.url: .*write it as mqtt://") as refused:
        MqttPublisher(State("e", 0), MqttTable(url=url))
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None
