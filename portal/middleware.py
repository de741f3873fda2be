"""Headers that Django and django-csp do not set."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed

from portal.masking import OPEN_BY_KEY

# Nothing here is used by any page; a page that is broken into cannot use it either. The phone's camera is reached
# through a file field, which needs no permission.
UNUSED = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "hid", "midi", "display-capture")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in UNUSED)


def closed_doors(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse what no page needs, and keep other sites from showing our pictures as theirs."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.method == "TRACE":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        response = get_response(request)
        if request.path.startswith(OPEN_BY_KEY):
            # A page there tells no other site where its reader came from.
            response["Referrer-Policy"] = "no-referrer"
        response.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if _is_a_page_of_somebody(request, response):
            # At a desk that many share, Back after handing over must not show what the last person saw.
            response.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def _is_a_page_of_somebody(request: HttpRequest, response: HttpResponseBase) -> bool:
    user = getattr(request, "user", None)
    is_page = response.get("Content-Type", "").startswith("text/html")
    return is_page and user is not None and bool(user.is_authenticated)
