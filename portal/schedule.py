"""What runs by the clock; `manage.py rqcron portal.schedule` puts it on the queues.

One scheduler is enough. Two do no harm: every task finds its work in the database.
"""

from rq.cron import register

from gpujobs import tasks
from orders import intake, retention
from orders import tasks as order_tasks
from portal import chain, sessions
from portal.notices import sending

HOUR = 3600

# Its result is of no use, and the next run is near: a run that waited longer than that may fall away.
# A driver's lease runs 20 seconds; with 10 between two looks, a dead one's jobs are driven again within 30.
register(tasks.reconcile, queue_name="upkeep", interval=10, result_ttl=0, ttl=10)
register(order_tasks.sweep, queue_name="upkeep", interval=30, result_ttl=0, ttl=30)
# A notice is sent when it is written; this finds those whose next try has come.
register(sending.send_due, queue_name="upkeep", interval=30, result_ttl=0, ttl=30)
register(intake.forget_unfinished, queue_name="upkeep", interval=HOUR, result_ttl=0, ttl=HOUR)
register(order_tasks.look_again_after_erasures, queue_name="upkeep", interval=HOUR, result_ttl=0, ttl=HOUR)
# Days are counted, but the sweep of an hour that was missed is made up for by the next.
register(retention.sweep, queue_name="upkeep", interval=HOUR, result_ttl=0, ttl=HOUR)
register(sessions.forget_expired, queue_name="upkeep", interval=HOUR, result_ttl=0, ttl=HOUR)
# A tail that was cut off is found against the last of these.
register(chain.checkpoint, queue_name="upkeep", interval=24 * HOUR, result_ttl=0, ttl=HOUR)
register(tasks.settle, queue_name="upkeep", interval=HOUR, result_ttl=0, ttl=HOUR)
# Each host once a day: the task takes those whose last search is a day old, so a lost run is made up for.
register(tasks.scan, queue_name="upkeep", interval=HOUR, result_ttl=0, ttl=HOUR)
