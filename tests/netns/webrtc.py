"""WebRTC endpoints in the lab: webrtc.js in a namespace."""

import json
import os
import subprocess

from netns import wait_for

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "webrtc.js")
ENV = {**os.environ, "NODE_PATH": os.pathsep.join(
    filter(None, (os.environ.get("NODE_PATH"), "/usr/local/lib/node_modules", "/usr/lib/node_modules")))}


def installed():
    """Whether node finds npm's package @roamhq/wrtc."""
    try:
        return subprocess.run(["node", "-e", "require('@roamhq/wrtc'); process.exit(0)"], env=ENV, capture_output=True,
                              check=False, timeout=60).returncode == 0
    except FileNotFoundError:
        return False


class WebRtc:
    """One endpoint with an audio stream, in both directions. Descriptions go in and out as text."""

    def __init__(self, lab, namespace):
        self.process = lab.start(namespace, "node", SCRIPT, env=ENV, stdin=subprocess.PIPE)
        lab.kept(self)

    def _said(self, key):
        lines = self.process.output().rpartition("\n")[0].splitlines()
        said = [json.loads(line) for line in lines if line.startswith("{")]
        for each in said:
            if "error" in each:
                raise AssertionError(each["error"])
        return [each[key] for each in said if key in each]

    def _do(self, what, sdp=""):
        self.process.popen.stdin.write(json.dumps({"do": what, "sdp": sdp}).encode() + b"\n")
        self.process.popen.stdin.flush()

    def _description(self):
        return wait_for(lambda: self._said("sdp"), 15, "a description")[-1]

    def offer(self):
        self._do("offer")
        return self._description()

    def answer(self, offer):
        self._do("answer", offer)
        return self._description()

    def accept(self, answer):
        self._do("accept", answer)

    def hears(self, frames):
        """Waits until it has heard this number of frames of 10 ms with sound."""
        wait_for(lambda: max(self._said("heard"), default=0) >= frames, 15,
                 f"{frames} frames of sound; states: {self._said('state')}")

    def close(self):
        self.process.popen.stdin.close()
