"""The first words families are asked with, and the database's own hold on words that somebody agreed to."""

from django.db import migrations
from django.utils.translation import gettext_noop as _

CHAIN = _(
    "사진과 정보는 다음과 같이 맡겨집니다: 장례식장(의뢰를 받는 곳) → ConnectDream(사진을 만드는 포털) → "
    "GPU 클라우드(계산을 하는 서버). 각 곳은 이 의뢰를 처리하는 데에만 쓰고, 끝나면 지웁니다."
)
RIGHTS = _(
    "항목마다 따로 동의하시거나 거부하실 수 있고, 동의한 뒤에도 언제든 철회하실 수 있습니다. 철회하시면 만들던 작업을 "
    "바로 멈추고 전달 링크를 닫고 지우기를 시작합니다."
)
PERIOD = _("전달을 마친 뒤 장례식장이 정한 보관 기간이 끝나면 지웁니다. 철회하시면 바로 지우기 시작합니다.")

DECEASED = {
    "preamble": "\n".join(
        (
            _(
                "고인의 사진으로 AI가 새 이미지와 영상을 만드는 일에 대해 여쭙니다. 상주 또는 유가족을 대표하시는 분께서 "
                "고인의 뜻을 헤아려 답해 주십시오."
            ),
            CHAIN,
            RIGHTS,
        )
    ),
    "boxes": [
        {
            "key": "likeness",
            "required": True,
            "title": _("고인의 모습을 AI로 만드는 일에 동의합니다"),
            "purpose": _("영정사진, 인생 더하기, 메모리얼 비디오 가운데 의뢰하신 것을 만들어 유가족께 전달합니다."),
            "items": _(
                "고인의 사진, 성함, 생년월일, 별세일. "
                "AI를 학습시키는 데에는 쓰지 않고, 얼굴을 알아보는 특징값은 저장하지 않습니다."
            ),
            "period": PERIOD,
            "refusal": _("거부하실 수 있습니다. 거부하시면 AI로 만드는 사진과 영상은 만들지 않습니다. 장례식장의 다른 이용에는 불이익이 없습니다."),
        },
        {
            "key": "others",
            "required": False,
            "title": _("사진에 함께 나온 다른 분의 동의를 얻었습니다"),
            "purpose": _("여러 분이 함께 나온 사진에서 고인의 얼굴만 골라 씁니다. 다른 분은 결과물에 나오지 않습니다."),
            "items": _("사진에 함께 나온 분의 모습."),
            "period": PERIOD,
            "refusal": _("거부하실 수 있습니다. 거부하시면 다른 분이 함께 나온 사진은 쓰지 않으며, 고인만 나온 사진으로 만듭니다."),
        },
        {
            "key": "showcase",
            "required": False,
            "title": _("완성된 사진을 견본으로 보여 주어도 좋습니다"),
            "purpose": _("장례식장을 찾는 다른 유가족께 성함 없이 완성 견본으로 보여 드립니다."),
            "items": _("완성된 사진과 영상. 성함과 연락처는 보여 주지 않습니다."),
            "period": _("동의를 철회하실 때까지. 길어도 1년이 지나면 내립니다."),
            "refusal": _("거부하실 수 있으며, 거부하셔도 만들고 전달하는 일에는 아무 차이가 없습니다."),
        },
    ],
}
LIVING = {
    "preamble": "\n".join(
        (
            _("본인의 사진으로 AI가 새 이미지와 영상을 만드는 일에 대해 여쭙니다. 본인께서 직접 읽고 답해 주십시오."),
            CHAIN,
            RIGHTS,
        )
    ),
    "boxes": [
        {
            "key": "likeness",
            "required": True,
            "title": _("제 모습을 AI로 만드는 일에 동의합니다"),
            "purpose": _("장수사진, 인생 더하기, 메모리얼 비디오 가운데 의뢰하신 것을 만들어 본인께 전달합니다."),
            "items": _(
                "본인의 사진, 성함, 생년월일. "
                "AI를 학습시키는 데에는 쓰지 않고, 얼굴을 알아보는 특징값은 저장하지 않습니다."
            ),
            "period": PERIOD,
            "refusal": _("거부하실 수 있습니다. 거부하시면 AI로 만드는 사진과 영상은 만들지 않습니다. 다른 이용에는 불이익이 없습니다."),
        },
        {
            "key": "others",
            "required": False,
            "title": _("사진에 함께 나온 다른 분의 동의를 얻었습니다"),
            "purpose": _("여러 분이 함께 나온 사진에서 본인의 얼굴만 골라 씁니다. 다른 분은 결과물에 나오지 않습니다."),
            "items": _("사진에 함께 나온 분의 모습."),
            "period": PERIOD,
            "refusal": _("거부하실 수 있습니다. 거부하시면 다른 분이 함께 나온 사진은 쓰지 않으며, 본인만 나온 사진으로 만듭니다."),
        },
        {
            "key": "showcase",
            "required": False,
            "title": _("완성된 사진을 견본으로 보여 주어도 좋습니다"),
            "purpose": _("장례식장을 찾는 다른 분께 성함 없이 완성 견본으로 보여 드립니다."),
            "items": _("완성된 사진과 영상. 성함과 연락처는 보여 주지 않습니다."),
            "period": _("동의를 철회하실 때까지. 길어도 1년이 지나면 내립니다."),
            "refusal": _("거부하실 수 있으며, 거부하셔도 만들고 전달하는 일에는 아무 차이가 없습니다."),
        },
    ],
}

HOLD = """
CREATE FUNCTION orders_consenttext_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM orders_consent WHERE text_id = OLD.id) THEN
        RAISE EXCEPTION 'consent text % has been agreed to; add a new version', OLD.id;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER orders_consenttext_hold BEFORE UPDATE OR DELETE ON orders_consenttext
    FOR EACH ROW EXECUTE FUNCTION orders_consenttext_hold();
"""
LET_GO = """
DROP TRIGGER orders_consenttext_hold ON orders_consenttext;
DROP FUNCTION orders_consenttext_hold();
"""


def digest(words):
    """As `ConsentText.digest`: a migration's models have no methods."""
    import hashlib
    import json

    return hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def add_first_version(apps, schema_editor):
    ConsentText = apps.get_model("orders", "ConsentText")
    for made_for, words in (("deceased", DECEASED), ("living", LIVING)):
        ConsentText.objects.create(made_for=made_for, version=1, sha256=digest(words), **words)


def take_it_back(apps, schema_editor):
    apps.get_model("orders", "ConsentText").objects.filter(version=1).delete()


class Migration(migrations.Migration):

    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.RunPython(add_first_version, take_it_back),
        migrations.RunSQL(HOLD, LET_GO),
    ]
