"""What runs the functions: the CDK app for AWS, and one machine for everything else."""
