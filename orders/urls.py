from django.urls import path, re_path

from orders.views import consent, desk, gallery, links, photos, pictures

app_name = "orders"
urlpatterns = [
    path("", desk.desk, name="desk"),
    path("rows/", desk.desk_rows, name="desk_rows"),
    path("orders/new/", desk.order_new, name="order_new"),
    path("orders/new/<uuid:code>/", desk.order_start, name="order_start"),
    path("orders/<uuid:code>/", desk.order, name="order"),
    path("orders/<uuid:code>/save/", desk.order_save, name="order_save"),
    path("orders/<uuid:code>/side/", desk.order_side, name="order_side"),
    path("orders/<uuid:code>/live/", desk.order_live, name="order_live"),
    path("orders/<uuid:code>/submit/", desk.order_submit, name="order_submit"),
    path("orders/<uuid:code>/cancel/", desk.order_cancel, name="order_cancel"),
    path("orders/<uuid:code>/items/<uuid:item_code>/again/", desk.item_again, name="item_again"),
    path("orders/<uuid:code>/photos/", photos.photos_list, name="photos_list"),
    path("orders/<uuid:code>/photos/add/", photos.photos_add, name="photos_add"),
    path("orders/<uuid:code>/photos/<uuid:photo_code>/", photos.photo_change, name="photo_change"),
    path("orders/<uuid:code>/consent/", consent.consent_record, name="consent_record"),
    path("orders/<uuid:code>/consent/withdraw/", consent.consent_withdraw, name="consent_withdraw"),
    path("orders/<uuid:code>/consent/<uuid:consent_code>/paper/", consent.consent_paper, name="consent_paper"),
    path("photos/<uuid:code>/<int:size>/", pictures.photo_preview, name="photo_preview"),
    path("candidates/<uuid:code>/file/", pictures.candidate_file, name="candidate_file"),
    path("candidates/<uuid:code>/preview/", pictures.candidate_preview, name="candidate_preview"),
    path("orders/<uuid:code>/links/", links.link_issue, name="link_issue"),
    path("orders/<uuid:code>/links/<uuid:link_code>/revoke/", links.link_revoke, name="link_revoke"),
    # With or without the last slash: what is typed off a printed page may lack it.
    re_path(r"^g/(?P<token>[^/]+)/?$", gallery.gallery, name="gallery"),
    path("g/<str:token>/all.zip", gallery.gallery_zip, name="gallery_zip"),
    path("g/<str:token>/<uuid:code>/", gallery.gallery_file, name="gallery_file"),
    path("g/<str:token>/<uuid:code>/picture/", gallery.gallery_picture, name="gallery_picture"),
    path("g/<str:token>/<uuid:code>/video/", gallery.gallery_video, name="gallery_video"),
    path("g/<path:rest>", gallery.gallery_unknown, name="gallery_unknown"),
]
