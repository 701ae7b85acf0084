"""The bundle on AWS: stacks derived from the registry and the resources, nothing typed twice."""
