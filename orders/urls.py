from django.urls import path, re_path

from orders.views import gallery, links

app_name = "orders"
urlpatterns = [
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
