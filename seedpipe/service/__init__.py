"""The wire, client side: `request`, `reply`, `refusals` and `addresses` are pure; `client`, `download` send."""
