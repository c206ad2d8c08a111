"""The on-call review: an HTTP API and a web page over the gate's state."""
