"""A wedding, its venue's clock, and how closely it is watched.

``model`` is what is known; ``calendar`` turns instants into the venue's days and back;
``timeline`` tells when a wedding is under way, ``saturday`` and ``season`` what kind of day it
is, ``phase`` how near it is and how often to look; ``context`` is all of that at one instant;
``validity`` says what a wedding must be to be kept.
"""
