// A WebRTC endpoint (npm's @roamhq/wrtc) with one audio stream: it sends a tone and counts the frames that it hears.
// Reads commands from standard input, a JSON object a line, and prints a JSON object a line.
//   {"do": "offer"}                   prints {"sdp": …}, complete with candidates
//   {"do": "answer", "sdp": offer}    likewise
//   {"do": "accept", "sdp": answer}
// Prints {"state": …} for each state of the connection, and {"heard": frames} four times a second.
"use strict";
const { RTCPeerConnection, nonstandard: { RTCAudioSource, RTCAudioSink } } = require("@roamhq/wrtc");

const RATE = 48000, FRAME = RATE / 100; // ten milliseconds
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const connection = new RTCPeerConnection();
const source = new RTCAudioSource();
connection.addTrack(source.createTrack());
const samples = new Int16Array(FRAME).map((_, i) => 8000 * Math.sin(i / 10));
setInterval(() => source.onData({ samples, sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: FRAME }), 10);

let heard = 0;
connection.ontrack = ({ track }) => {
    new RTCAudioSink(track).ondata = (data) => { heard += data.samples.some((sample) => sample !== 0) ? 1 : 0; };
};
setInterval(() => say({ heard }), 250);
connection.onconnectionstatechange = () => say({ state: connection.connectionState });

// The description with all candidates.
async function describe(description) {
    await connection.setLocalDescription(description);
    while (connection.iceGatheringState !== "complete") {
        await new Promise((resume) => setTimeout(resume, 10));
    }
    say({ sdp: connection.localDescription.sdp });
}

async function obey(command) {
    if (command.do === "offer") {
        await describe(await connection.createOffer());
    } else if (command.do === "answer") {
        await connection.setRemoteDescription({ type: "offer", sdp: command.sdp });
        await describe(await connection.createAnswer());
    } else {
        await connection.setRemoteDescription({ type: "answer", sdp: command.sdp });
    }
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    obey(JSON.parse(line)).catch((error) => { say({ error: String(error) }); process.exit(1); });
}).on("close", () => process.exit(0));
