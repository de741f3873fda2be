"""What went wrong with the fleet, in an operator's words; codes as gpujobs.faults, gpujobs.hosts and gpujobs.ssh
name them. What the machine itself said stays beside it in its own English, as the log has it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FAULTS: dict[str, str | Promise] = {
    # The photo's
    "no_face": _("사진에서 얼굴을 찾지 못했습니다."),
    "unreadable_photo": _("사진 파일을 읽지 못했습니다."),
    # The job's
    "invalid_graph": _("ComfyUI가 작업 내용을 받지 않았습니다. 작업이나 노드가 바뀌었는지 살펴봐 주세요."),
    "input_missing": _("올릴 사진이 포털에 없습니다."),
    "attempts_spent": _("세 번 해도 되지 않아 그만두었습니다."),
    "suspect": _("열 번을 맡겼지만 그때마다 ComfyUI가 멈추거나 작업이 사라져 그만두었습니다. 작업을 살펴봐 주세요."),
    "not_allowed": _("동의나 의뢰가 거두어져 만들지 않았습니다."),
    # The instance's
    "missing_node": _("필요한 노드가 설치되어 있지 않습니다."),
    "missing_model": _("모델 파일이 없거나 온전하지 않습니다."),
    "out_of_memory": _("GPU 메모리가 모자랐습니다."),
    "cuda": _("GPU가 계산을 하지 못했습니다(CUDA 오류). ComfyUI를 다시 켜야 합니다."),
    "wedged": _("ComfyUI가 멈춘 채 움직이지 않았습니다."),
    "probe_failed": _("작은 시험을 통과하지 못했습니다."),
    "host_disk_full": _("호스트의 디스크가 가득 찼습니다."),
    "node_failed": _("노드가 일하다 실패했습니다."),
    "bad_output": _("결과가 빠졌거나 열리지 않았습니다."),
    "output_gone": _("가져오기 전에 결과 파일이 없어졌습니다."),
    "no_answer": _("ComfyUI가 대답하지 않습니다. 꺼져 있는지 살펴봐 주세요."),
    "strange_answer": _("ComfyUI가 알 수 없는 대답을 했습니다."),
    "cannot_clean": _("끝난 작업의 파일을 호스트에서 지우지 못했습니다. 폴더의 권한을 살펴봐 주세요."),
    "restarted": _("사람이 다시 켰습니다. 작은 시험을 통과하면 일을 받습니다."),
    # The network's and the portal's
    "lost": _("보낸 작업이 사라졌습니다. 다른 곳에서 다시 만듭니다."),
    "stray_interrupt": _("다른 작업을 멈추려다 함께 멈췄습니다. 다시 만듭니다."),
    "connection": _("호스트와 연결이 끊겼습니다."),
    "host_gone": _("호스트에 닿지 않아 다른 곳에 맡겼습니다."),
    "portal_disk_full": _("포털의 디스크가 가득 찼습니다."),
    "taken_back": _("더 급한 일에 자리를 내주었습니다."),
    # The way to a host, by the name of its error
    "SshError": _("호스트와 이야기하지 못했습니다."),
    "HostUnreachable": _("호스트에 닿지 못했습니다. 켜져 있는지, 주소와 포트가 맞는지 살펴봐 주세요."),
    "HostKeyMismatch": _("호스트의 키가 등록된 것과 다릅니다. 같은 기계가 맞는지 확인하기 전에는 연결하지 않습니다."),
    "LoginRefused": _("호스트가 로그인을 받지 않았습니다. 사용자와 키를 살펴봐 주세요."),
    "KeyUnusable": _("우리 쪽 개인 키를 열지 못했습니다. 파일과 암호를 살펴봐 주세요."),
    "ChannelRefused": _("호스트가 그 포트로 이어 주지 않습니다."),
    "ConnectionLost": _("호스트와 연결이 끊겼습니다."),
    "CommandFailed": _("호스트에서 명령을 실행하지 못했습니다."),
    # What an operator asked for
    "host_problem": _("호스트나 인스턴스가 있어야 할 모습이 아닙니다."),
    "no_comfyui": _("ComfyUI가 대답하는 포트가 없습니다. 포트를 적어 주세요."),
    "no_directory": _("ComfyUI의 폴더를 알 수 없습니다. 폴더를 적어 주거나 폴더 옵션을 주어 켜 주세요."),
    "no_command": _("다시 켜는 명령이 정해져 있지 않습니다."),
    "unreadable_command": _("다시 켜는 명령을 읽을 수 없습니다."),
    "restart_failed": _("다시 켜는 명령이 실패했습니다."),
    "not_clean": _("아직 하던 일이나 우리 파일이 남아 있습니다. 비우고 기다려 주세요."),
    "gone_through": _("이 호스트를 거쳐 가는 다른 호스트가 있습니다."),
    "name_taken": _("같은 이름을 쓰는 다른 호스트가 있습니다."),
    "not_examined": _("대답하지 않은 인스턴스가 있습니다."),
    "not_searched": _("다 찾아보지 못했습니다."),
    "broken_off": _("하던 사람(작업자)이 사라져 끝을 알 수 없습니다. 다시 해 주세요."),
}


def in_words(code: str) -> str | Promise:
    """A sentence; a code that nobody knows stays as it is."""
    return FAULTS.get(code, code)
