import pytest

pytest.register_assert_rewrite("tests.comfyui.conversation")
