"""The seam on boto3."""
