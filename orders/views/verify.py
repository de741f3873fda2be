"""The public page that says whether a file came from this portal. Nothing is kept of what is shown to it."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import provenance
from orders.intake import Refusal
from orders.uploading import dropped
from orders.views.responses import remember_language
from portal import limits


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@limits.limited("verify")
def verify(request: HttpRequest) -> HttpResponseBase:
    """A form, and under it what is known of the file that was sent."""
    if request.method != "POST":
        if (response := remember_language(request)) is not None:
            return response
        return render(request, "family/verify.html")
    not_taken = [why for _name, why in dropped(request, "file")]
    if Refusal.OUT_OF_SPACE in not_taken:
        return _refused(request, _("저희 쪽 저장 공간이 부족해 파일을 살펴보지 못했습니다. 잠시 뒤 다시 해 주세요."))
    if not_taken:
        return _refused(request, _("파일이 너무 큽니다. 받으신 파일 하나를 그대로 골라 주세요."))
    file = request.FILES.get("file")
    if file is None or not file.size:
        return _refused(request, _("확인할 파일을 골라 주세요."))
    return render(request, "family/verify.html", {"verdict": provenance.read(file.read())})


def _refused(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(request, "family/verify.html", {"refused": sentence}, status=422)
