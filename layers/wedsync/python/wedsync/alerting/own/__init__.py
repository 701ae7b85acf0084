"""Rules that a tenant makes: conditions over windows, judged like the platform's own rules."""
