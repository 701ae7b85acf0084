"""WedSync: monitoring whose unit of truth is the wedding.

The map, from what is true anywhere to what touches the outside:

- ``weddings``: a wedding, its venue's clock, its phases.
- ``metrics``: points, series, histograms, windows, health.
- ``alerting``: rules, severity with its reasons, the life of an alert.
- ``incidents``: incidents and the escalation ladder.
- ``runbooks``: what is done when an incident begins, step by step, and put back.
- ``cloud``: the seam to the outside; ``aws`` implements it on boto3.
- ``notifications``: contacts, who is on duty, and what is posted to whom.
- ``web``: posting to other people's endpoints.
- ``stores``: one module per kind of stored thing, written on the seam.
- ``flows``: sequences shared by several functions.
- ``api``: request and response bodies.
- ``runtime``: declarations of functions, and what runs them.
- ``client``: for whoever sends points; it needs nothing but signatures of all this.

Importing any module does nothing: no environment is read, no client is made.
"""
