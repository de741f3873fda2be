"""A photo that comes when the portal's disk is full: nothing half is kept; the family and staff are told."""

import errno
import os

import pytest
from django.test import Client
from django.utils import timezone

from orders import intake
from orders.models import Arrival, FamilyLink, Photo
from portal.models import AuditEvent, Notice
from tests.factories import drawn_person
from tests.family.phones import Phone, picture, stored_files
from tests.orders.people import make_order
from tests.uploads import fill_the_disk_for_uploads


@pytest.fixture
def phone(alice):
    return Phone(make_order(alice), alice)


def full_disk(monkeypatch, *, when=lambda: True):
    def fsync(descriptor):
        if when():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


def nothing_is_kept_and_staff_are_told(phone, alice, sentence):
    assert "저장 공간이 부족해 사진을 받지 못했습니다" in sentence
    assert "장례식장에 알려 두었으니" in sentence
    assert not Photo.objects.exists()
    assert not Arrival.objects.exists()
    assert not stored_files()
    phone.link.refresh_from_db()
    assert phone.link.uses == 0
    desk = Client()
    desk.force_login(alice)
    page = desk.get(f"/orders/{phone.order.code}/").content.decode()
    assert "저장 공간이 부족해 사진을 받지 못했습니다. 운영 담당자에게 알리고" in page
    assert AuditEvent.objects.filter(action="photo.no_space", subject=phone.order.code).count() == 1
    assert Notice.objects.filter(kind="staff_upload_failed", subject=phone.order.code).count() == 1


def test_a_disk_full_at_a_piece_keeps_nothing_and_staff_are_told(phone, alice, monkeypatch):
    data = drawn_person(3, (300, 400))
    code = phone.begin(data).json()["code"]
    phone.piece(code, data, 0, 1000)
    full_disk(monkeypatch)
    answer = phone.piece(code, data, 1000, 2000)
    assert answer.status_code == 507
    nothing_is_kept_and_staff_are_told(phone, alice, answer.content.decode())


def test_a_disk_full_while_the_photo_is_taken_in_keeps_nothing_and_staff_are_told(phone, alice, monkeypatch):
    data = drawn_person(3, (300, 400))
    receive = intake.receive

    def receive_onto_a_full_disk(stream, *, folder):
        full_disk(monkeypatch)
        return receive(stream, folder=folder)

    monkeypatch.setattr(intake, "receive", receive_onto_a_full_disk)
    answer = phone.send(data)
    assert answer.status_code == 507
    nothing_is_kept_and_staff_are_told(phone, alice, answer.content.decode())


def test_a_disk_full_under_a_plain_form_keeps_nothing_and_staff_are_told(phone, alice, monkeypatch):
    full_disk(monkeypatch)
    answer = phone.post(picture())
    assert answer.status_code == 422
    nothing_is_kept_and_staff_are_told(phone, alice, answer.content.decode())


def test_a_disk_full_before_a_plain_form_is_read_keeps_what_fits_and_staff_are_told(
    phone, alice, monkeypatch, tmp_path
):
    fill_the_disk_for_uploads(monkeypatch, tmp_path, after=0)
    answer = phone.post(picture())
    assert answer.status_code == 422
    assert "어머니.png: 저희 쪽 저장 공간이 부족해" in answer.content.decode()
    nothing_is_kept_and_staff_are_told(phone, alice, answer.content.decode())
    fill_the_disk_for_uploads(monkeypatch, tmp_path, after=1)
    answer = phone.post(picture(), picture(2, "아버지.png"))
    assert "아버지.png: 저희 쪽 저장 공간이 부족해" in answer.content.decode()
    assert [photo.given_name for photo in phone.order.photos.all()] == ["어머니.png"]
    assert not list(tmp_path.iterdir())


def test_the_next_photo_that_is_kept_ends_the_warning(phone, alice):
    FamilyLink.objects.update(no_space_at=timezone.now())
    phone.post(picture())
    phone.link.refresh_from_db()
    assert phone.link.no_space_at is None
