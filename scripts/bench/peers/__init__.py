"""The peers: the same endpoints as teams elsewhere would write them."""
