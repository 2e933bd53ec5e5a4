"""Where browsers are sent for bytes, told from `STORAGE_URL` alone: settings need it before there is a store."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit


def browser_origins(storage_url: str) -> list[str]:
    """Origins that signed redirects may lead to, for the policy that says where a page's pictures come from.

    A directory is served by this site itself, so it has none. Without an endpoint the store is AWS, whose address
    of a bucket depends on the region and on whether its name has dots.
    """
    parts = urlsplit(storage_url)
    if parts.scheme != "s3":
        return []
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    reached = options.get("public_endpoint") or options.get("endpoint")
    if reached:
        endpoint = urlsplit(reached)
        return [f"{endpoint.scheme}://{endpoint.netloc}"]
    region = options.get("region", "us-east-1")
    hosts = (f"s3.{region}.amazonaws.com", "s3.amazonaws.com")
    return [f"https://{parts.netloc}.{host}" for host in hosts] + [f"https://{host}" for host in hosts]
