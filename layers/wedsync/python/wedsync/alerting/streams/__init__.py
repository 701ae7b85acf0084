"""Detection on request streams: what a service's own past says about its last minutes.

The fixed thresholds of the platform's rules are the floor. What stands here finds, by counts and
exact likelihoods, failures and slowness that lie below them, silence that they cannot see, and
tells a fault that lasts from a bad minute.
"""
