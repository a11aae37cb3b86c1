"""A local service that speaks the Seedream protocol: the other end of the wire, a stranger to our client."""
