"""The forms by which an operator adds a GPU host and says how its instances are restarted."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from gpujobs import hosts
from gpujobs.models import GpuHost

PORTS_MOST = 16
# A key of the environment rather than of a path, in a form's value.
OF_ENVIRONMENT = "environment:"
# The first is what deploy/gpu-host sets up and lets the portal's key do. Operators choose, they do not write: a command
# typed on a page would make of a portal session a shell on every GPU host, where families' photos lie.
RESTART_COMMANDS = (
    "sudo -n systemctl restart comfyui@{index}.service",
    "systemctl --user restart comfyui@{index}.service",
    "sudo -n systemctl restart comfyui@{port}.service",
    "systemctl --user restart comfyui@{port}.service",
)


def restart_choices() -> list[tuple[str, str]]:
    commands = dict.fromkeys((*RESTART_COMMANDS, *settings.GPU_RESTART_COMMANDS))
    return [("", _("없음")), *((command, command) for command in commands)]


class RestartForm(forms.Form):
    """Which command restarts a host's instances."""

    command = forms.ChoiceField(
        label=_("다시 켜는 명령"), required=False, widget=forms.Select(attrs={"aria-labelledby": "command-title"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["command"].choices = restart_choices()


class HostForm(forms.Form):
    """Keys and passphrases are chosen from those the environment names: nothing typed here becomes a path on the
    portal's own machine."""

    name = forms.SlugField(label=_("이름"), max_length=40, help_text=_("영문과 숫자로 짧게 적어 주세요. 예: l4"))
    address = forms.CharField(
        label=_("주소"),
        max_length=255,
        validators=[RegexValidator(r"^[A-Za-z0-9.:-]+$", _("호스트 이름이나 IP 주소를 적어 주세요."))],
    )
    port = forms.IntegerField(label=_("SSH 포트"), min_value=1, max_value=65535, initial=22)
    username = forms.CharField(
        label=_("사용자"),
        max_length=64,
        validators=[RegexValidator(r"^[a-z_][a-z0-9_-]*$", _("리눅스 사용자 이름을 적어 주세요."))],
    )
    key_path = forms.ChoiceField(label=_("개인 키"))
    passphrase_name = forms.ChoiceField(label=_("키의 암호"), required=False)
    jump = forms.ModelChoiceField(
        GpuHost.objects.none(), label=_("거쳐 갈 호스트"), required=False, to_field_name="name", empty_label=_("없음")
    )
    ports = forms.CharField(
        label=_("ComfyUI 포트"),
        max_length=120,
        required=False,
        help_text=_("비워 두면 GPU마다 하나씩 8188부터 찾습니다. 여럿이면 쉼표로 나눠 주세요."),
    )
    directory = forms.CharField(
        label=_("ComfyUI 폴더"),
        max_length=255,
        required=False,
        validators=[RegexValidator(r"^/[\w./-]+$", _("/로 시작하는 폴더를 적어 주세요."))],
        help_text=_("ComfyUI가 폴더를 스스로 알려 주지 않을 때만 적어 주세요."),
    )
    restart = forms.ChoiceField(
        label=_("다시 켜는 명령"),
        required=False,
        help_text=_("{index}는 GPU 번호, {port}는 포트로 바뀝니다. 다른 명령은 터미널에서 정해 주세요."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = GpuHost.objects.exclude(key_path="").order_by("key_path").values_list("key_path", flat=True).distinct()
        keys = [*settings.GPU_KEYS, *(path for path in known if path not in settings.GPU_KEYS)]
        secrets = [(f"{OF_ENVIRONMENT}{name}", f"GPU_PRIVATE_KEY_{name}") for name in settings.GPU_PRIVATE_KEYS]
        self.fields["key_path"].choices = [*((path, path) for path in keys), *secrets]
        names = [(name, f"GPU_KEY_PASSPHRASE_{name}") for name in settings.GPU_KEY_PASSPHRASES]
        self.fields["passphrase_name"].choices = [("", "GPU_KEY_PASSPHRASE"), *names]
        self.fields["restart"].choices = restart_choices()
        self.fields["jump"].queryset = GpuHost.objects.exclude(state=GpuHost.State.RETIRED)

    def clean(self) -> dict[str, Any]:
        """Either a path or the name of a secret."""
        cleaned = self.cleaned_data
        name = cleaned.get("key_path", "")
        if name.startswith(OF_ENVIRONMENT):
            cleaned |= {"key_path": "", "key_name": name.removeprefix(OF_ENVIRONMENT)}
        return cleaned

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not hosts.is_free(name):
            raise forms.ValidationError(_("이 이름의 호스트가 이미 있습니다."))
        return name

    def clean_ports(self) -> list[int] | None:
        words = [word.strip() for word in self.cleaned_data["ports"].split(",") if word.strip()]
        if not words:
            return None
        if len(words) > PORTS_MOST or not all(word.isascii() and word.isdigit() for word in words):
            raise forms.ValidationError(_("포트 번호를 쉼표로 나눠 적어 주세요."))
        ports = list(dict.fromkeys(int(word) for word in words))
        if not all(1 <= port <= 65535 for port in ports):
            raise forms.ValidationError(_("포트는 1부터 65535까지입니다."))
        return ports
