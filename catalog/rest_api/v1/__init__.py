"""Version 1: DRF views, each beside its serializers."""
