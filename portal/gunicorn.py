"""How gunicorn serves the portal, in the demo and in production: ``gunicorn -c python:portal.gunicorn portal.wsgi``.

What differs between them (where to listen, how many workers) is said on the command line or in GUNICORN_CMD_ARGS.
"""

from portal import env

worker_class = "gthread"
threads = 8
# Longer than a load balancer keeps an idle connection open, so that it is never the one to be surprised.
keepalive = 75
graceful_timeout = 30

# Method, path without its question, status, bytes, milliseconds. No address, no referrer and no browser: who opened
# which link is in the audit, and nowhere else.
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(B)s %(M)sms"

_LOGGER = {"handlers": ["console"], "level": "INFO", "propagate": False}
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portal.masking.MaskingFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
        "json": {"()": "portal.json_logs.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": env.one_of("LOG_FORMAT", ("line", "json"))}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"gunicorn.error": _LOGGER, "gunicorn.access": _LOGGER},
}
