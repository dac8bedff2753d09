"""linphone's console program as a phone in the lab, without a sound device: it plays a file."""

import os
import shutil
import subprocess
import tempfile
import time

from netns import wait_for
from peers import PASSWORD, tone

CONFIG = """
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=-1
[rtp]
audio_rtp_port={rtp_port}
"""


def installed():
    """Whether this machine has the program."""
    return shutil.which("linphonec") is not None


class Linphone:
    """A registered linphone. If `answers`, it answers each call."""

    def __init__(self, lab, namespace, user, domain, rtp_port, port=5060, answers=False):
        self.user, self.domain = user, domain
        folder = tempfile.mkdtemp(prefix=f"linphone-{user}-", dir=lab.directory)
        os.makedirs(os.path.join(folder, ".local/share/linphone"))  # for its database; without it nothing works
        config = lab.file(f"linphonerc-{user}", CONFIG.format(port=port, rtp_port=rtp_port))
        self.process = lab.start(namespace, "stdbuf", "-o0", "linphonec", "-c", config, "-S",
                                 *(["-a"] if answers else []), name=f"linphone-{user}",
                                 env={**os.environ, "HOME": folder}, stdin=subprocess.PIPE)
        lab.kept(self)
        self.command("soundcard use files")
        self.command(f"play {tone(os.path.join(folder, 'voice.wav'), 20)}")
        self.command(f"register sip:{user}@{domain} sip:{domain} {PASSWORD}")
        self.answers("status register", "registered, identity")

    def command(self, line):
        """Enters a command."""
        self.process.popen.stdin.write(f"{line}\n".encode())
        self.process.popen.stdin.flush()

    def answers(self, line, words, timeout=15):
        """Repeats a command until its output has these words."""
        before = self.process.output().count(words)

        def asked():
            self.command(line)
            time.sleep(0.1)
            return self.process.output().count(words) > before
        wait_for(asked, timeout, f"{self.user}'s linphone to answer {line} with {words!r}")

    def says(self, words, times=1, timeout=15):
        wait_for(lambda: self.process.output().count(words) >= times, timeout, f"{self.user}'s linphone to say {words!r}")

    def close(self):
        self.process.popen.stdin.close()
