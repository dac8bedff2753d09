"""Third-party SIP programs in the lab: kamailio, sipp and baresip, configured for each run."""

import glob
import json
import os
import shutil
import socket
import struct
import sys
import wave

import sip
from lab import PROVIDER
from netns import Timeout, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PASSWORD = "secret"
RTPENGINE = "127.0.0.1:2223"  # its control socket


def has_tls():
    """Whether kamailio's TLS module is installed."""
    return bool(glob.glob("/usr/lib/*/kamailio/modules/tls.so"))


def has_rtpengine():
    """Whether rtpengine and kamailio's module for it are installed."""
    return bool(shutil.which("rtpengine") and glob.glob("/usr/lib/*/kamailio/modules/rtpengine.so"))


def start_rtpengine(lab, address, ports):
    """A media relay at `address` in the provider's namespace, in userspace only, for start_kamailio(relay=True)."""
    process = lab.start(lab.provider, "rtpengine", "--foreground", "--log-stderr", "--table=-1",
                        f"--interface={address}", f"--listen-ng={RTPENGINE}", f"--port-min={ports[0]}",
                        f"--port-max={ports[1]}", lasting=True)
    port = RTPENGINE.rpartition(":")[2]
    wait_for(lambda: lab.provider.run("ss", "-Huln", f"sport = :{port}").stdout, 10, "rtpengine to listen")
    return process


def start_kamailio(lab, address=PROVIDER, tls=None, lasting=True, relay=False):
    """A registrar and proxy at `address` in the provider's namespace, for UDP and TCP; returns once it answers.

    With tls=(certificate, key) it speaks TLS on port 5061 as well. With `relay` all media go through rtpengine. Unless
    `lasting`, it ends with the test.
    """
    modules = glob.glob("/usr/lib/*/kamailio/modules")[0]
    with open(os.path.join(HERE, "kamailio.cfg.in")) as file:
        text = file.read()
    for key, value in (("ADDRESS", address), ("MODULES", modules), ("PASSWORD", PASSWORD)):
        text = text.replace(f"@{key}@", value)
    if tls:
        text = text.replace("tcp_children=1", f"tcp_children=1\nenable_tls=yes\nlisten=tls:{address}:5061")
        text = text.replace('loadmodule "auth.so"', f'''loadmodule "auth.so"
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{tls[0]}")
modparam("tls", "private_key", "{tls[1]}")
''')
    if relay:
        text = text.replace('loadmodule "auth.so"', f'''loadmodule "auth.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:{RTPENGINE}")
''')
        text = text.replace("route[RELAY] {", 'route[RELAY] {\n    rtpengine_manage();\n    t_on_reply("relay");')
        text += "onreply_route[relay] {\n    rtpengine_manage();\n}\n"
    config = lab.file("kamailio.cfg", text)
    runtime = os.path.join(lab.directory, "kamailio")
    os.makedirs(runtime, exist_ok=True)
    process = lab.start(lab.provider, "kamailio", "-DD", "-E", "-f", config, "-m", "32", "-M", "4",
                        "-P", os.path.join(runtime, "pid"), "-Y", runtime, "-w", runtime, lasting=lasting)
    probe = sip.Agent(lab, lab.provider, address, 5999, "peerprobe", (address, 5060))

    def answers():
        if not process.running:
            raise AssertionError(f"kamailio ended:\n{process.output()}")
        probe.request("REGISTER", probe.dialog("peerprobe"))
        try:
            return probe.hear(200, timeout=0.1)
        except Timeout:
            return None
    wait_for(answers, 15, "kamailio to answer")
    probe.close()
    return process


def tone(path, seconds):
    """A sound file for a phone to play; returns its path."""
    with wave.open(path, "wb") as voice:
        voice.setparams((1, 2, 8000, 0, "NONE", ""))
        voice.writeframes(b"".join(struct.pack("<h", i % 80 * 200 - 8000) for i in range(8000 * seconds)))
    return path


def start_answering(lab, namespace, address, transport):
    """sipp's own callee scenario, with sipp's name of a transport ("u1", "t1"); returns once it listens."""
    process = lab.start(namespace, "sipp", "-sn", "uas", "-t", transport, "-i", address, "-p", 5060, "-nostdin")
    wait_for(lambda: namespace.run("ss", f"-H{transport[0]}ln", "sport = :5060").stdout, 5, "sipp to listen")
    return process


def start_stun_server(lab, address, port=3478):
    """A STUN server in the provider's namespace; returns once it listens."""
    lab.start(lab.provider, sys.executable, os.path.join(HERE, "stun_server.py"), address, port)
    wait_for(lambda: lab.provider.run("ss", "-Huln", f"sport = :{port}").stdout, 5, "the STUN server to listen")


class Sipp:
    """One sipp run of a scenario in scenarios/. The Call-ID of call N is "N-PID-test": no address in it."""

    def __init__(self, lab, namespace, scenario, address, port, remote=None, calls=1, user="phone1", keys=(),
                 more=(), transport="udp"):
        self.lab, self.address, self.port, self.transport = lab, address, port, transport
        argv = ["sipp", *([f"{remote[0]}:{remote[1]}"] if remote else []),
                "-sf", os.path.join(HERE, "scenarios", scenario), "-i", address, "-p", port, "-m", calls,
                "-t", {"udp": "u1", "tcp": "t1"}[transport],
                "-s", user, "-au", user, "-ap", PASSWORD, "-cid_str", "%u-%p-test", "-nostdin", "-nd",
                "-timeout", "30", "-timeout_error",
                *(word for key, value in keys for word in ("-key", key, value)), *more]
        self.process = lab.start(namespace, *argv, name=f"sipp-{scenario}",
                                 env={**os.environ, "TERM": "dumb"})
        self.namespace = namespace

    def call_id(self, number=1):
        return f"{number}-{self.process.pid}-test"

    def nudge(self, call_id):
        """Lets a call in `<recv request="NOTIFY">` go on: a message from its own host, past the router."""
        kind = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}[self.transport]
        with self.namespace.socket(socket.AF_INET, kind) as voice:
            voice.bind((self.address, 0))
            voice.connect((self.address, self.port))
            voice.send((f"NOTIFY sip:go@{self.address} SIP/2.0\r\n"
                        f"Via: SIP/2.0/{self.transport.upper()} {self.address}:{voice.getsockname()[1]};"
                        f"branch={sip.token('z9hG4bK')}\r\n"
                        "From: <sip:test@invalid>;tag=go\r\nTo: <sip:test@invalid>\r\n"
                        f"Call-ID: {call_id}\r\nCSeq: 1 NOTIFY\r\nContent-Length: 0\r\n\r\n").encode())

    def finish(self):
        """Raises unless all calls followed the scenario."""
        status = self.process.wait(35)
        if status != 0:
            raise AssertionError(f"sipp {self.process.argv} ended with {status}:\n{self.process.output()[-6000:]}")


class Baresip:
    """A baresip phone without an audio device: it plays one file and records another.

    `nat` is its NAT traversal for media: "ice", with ";stunserver=stun:HOST:PORT" where it asks a STUN server.
    """

    def __init__(self, lab, namespace, address, user, domain, rtp_port, registers=True, port=5060,
                 transport="udp", ca_file="", nat=""):
        self.lab, self.user = lab, user
        folder = os.path.join(lab.directory, f"baresip-{user}")
        os.makedirs(folder, exist_ok=True)
        modules = glob.glob("/usr/lib/baresip/modules")[0]
        settings = {"config": f"""
sip_listen {address}:{port}
sip_trans_def {transport}
{f"sip_cafile {ca_file}" if ca_file else ""}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{folder}/voice.wav
audio_alert aufile,{folder}/alert.wav
ausrc_srate 8000
auplay_srate 8000
rtp_ports {rtp_port}-{rtp_port + 1}
rtcp_mux no
module_path {modules}
module aufile.so
module g711.so
module stdio.so
module rtcpsummary.so
{"module ice.so" if nat else ""}
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:4444
audio_path {folder}
""",
                    "accounts": f"<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={PASSWORD};"
                                f"regint={600 if registers else 0};answermode=auto;audio_codecs=pcmu"
                                f"{nat and f';medianat={nat}'}\n",
                    "contacts": ""}
        for name, text in settings.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        tone(os.path.join(folder, "voice.wav"), 20)
        family = ["-6"] if address.startswith("[") else []  # without this its media would be IPv4
        self.process = lab.start(namespace, "baresip", *family, "-f", folder, "-s", name=f"baresip-{user}")
        self.control = None
        wait_for(lambda: self._connect(namespace), 10, "baresip's control port")

    def _connect(self, namespace):
        if not self.process.running:
            raise AssertionError(f"baresip ended:\n{self.process.output()}")
        connection = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.connect(("127.0.0.1", 4444))
        except ConnectionRefusedError:
            connection.close()
            return False
        self.control = connection
        return True

    def command(self, name, params=""):
        """One ctrl_tcp command, a JSON netstring. The answer is ignored, because baresip's output has all results."""
        text = json.dumps({"command": name, "params": params})
        self.control.sendall(f"{len(text)}:{text},".encode())

    def says(self, words, timeout=10):
        wait_for(lambda: words in self.process.output(), timeout, f"baresip to say {words!r}")

    def quit(self):
        self.command("quit")
        self.process.wait(10)
        self.control.close()
