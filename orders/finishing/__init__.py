"""From an approved candidate to the files a family and a print shop receive; nothing else makes a `Deliverable`.

course.py     the steps, their state in `orders.models.Finish`, what happens when one fails
enlarging.py  the approved file on a GPU once more: print_master, video_extend
pieces.py     which files of a picture; prints.py which sizes; cutting.py which part; backgrounds.py what lies beyond
video.py      wide and tall, a poster, checked by decoding them again; clips.py frames as they come, scenes.py as shown
marks.py      the mark a person sees; metadata.py and signing.py what a machine reads
"""

from orders.finishing.course import again, begin, files_of, job_ended, left_behind, stop, work

__all__ = ["again", "begin", "files_of", "job_ended", "left_behind", "stop", "work"]
