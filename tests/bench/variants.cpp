#include "tests/bench/variants.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <random>
#include <string_view>
#include <utility>

namespace bench {

namespace {

using sipalg::Side;

/// The same numbers on every machine: only the engine's raw output is used.
class Random {
  public:
    explicit Random(std::size_t seed) : engine_(static_cast<std::mt19937::result_type>(seed)) {}

    std::size_t below(std::size_t limit) { return engine_() % limit; }
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
    bool one_in(std::size_t n) { return below(n) == 0; }
    std::string_view pick(std::initializer_list<std::string_view> of) { return of.begin()[below(of.size())]; }
    std::string word(std::size_t low, std::size_t high, std::string_view letters) {
        std::string result;
        for (std::size_t left = between(low, high); left > 0; --left)
            result += letters[below(letters.size())];
        return result;
    }
    std::string hex(std::size_t low, std::size_t high) { return word(low, high, "0123456789abcdef"); }
    std::string digits(std::size_t low, std::size_t high) {
        return std::string(1, static_cast<char>('1' + below(9))) + word(low - 1, high - 1, "0123456789");
    }
    template <class T>
    void shuffle(std::vector<T>& items) {
        for (std::size_t i = items.size(); i > 1; --i)
            std::swap(items[i - 1], items[below(i)]);
    }

  private:
    std::mt19937 engine_;
};

/// The messages between one phone and its provider.
class Talk {
  public:
    explicit Talk(std::size_t number) : random_(number + 1) {
        constexpr std::array networks{"192.168.1.", "192.168.178.", "10.0.0.", "172.16.31."};
        phone_.address = networks[number % networks.size()] + std::to_string(2 + number / networks.size());
        // Some phones share the standard port, as desk phones do, others have one of their own.
        phone_.port = random_.one_in(3) ? std::uint16_t{5060} : static_cast<std::uint16_t>(40000 + number);
        media_port_ = static_cast<std::uint16_t>(16400 + 8 * number);
        provider_ = {"198.51.100." + std::to_string(random_.between(1, 254)), 5060};
        domain_ = random_.pick(
            {"example.net", "sip.example.com", "voip-12.provider.example", "pbx.example", "198.51.100.77"});
        user_ = random_.one_in(2) ? random_.digits(3, 12) : random_.word(3, 9, "abcdefghijklmnopqrstuvwxyz");
        display_ = random_.one_in(4) ? std::string()
                                     : '"' + random_.word(3, 9, "ABCDEFGHIKLMNOPRSTUVW") + ' ' +
                                           random_.word(2, 12, "abcdefghiklmnoprstuvwxyz, ") +
                                           (random_.one_in(9) ? "\\\"" : "") + "\" ";
        agent_ = random_.word(4, 10, "ABCDEFGHIKLabcdefghikl") + "/" + random_.digits(1, 2) + "." +
                 random_.digits(1, 3) + "." + random_.digits(1, 2);
        compact_ = random_.one_in(8);
        contact_tail_ =
            random_.pick({"", ";transport=udp", ";ob", ";line=7f3a", ";transport=udp;user=phone"});
        routed_ = random_.one_in(3);
    }

    Variant register_request() {
        start("REGISTER", "sip:" + domain_);
        line("Authorization", "Digest username=\"" + user_ + "\", realm=\"" + domain_ + "\", nonce=\"" +
                                  random_.hex(20, 40) + "\", uri=\"sip:" + domain_ + "\", response=\"" +
                                  random_.hex(32, 32) + "\", algorithm=MD5, cnonce=\"" + random_.hex(8, 16) +
                                  "\", qop=auth, nc=0000000" + random_.digits(1, 1));
        request_lines("REGISTER", own_ + ">;tag=" + from_tag_, own_ + ">");
        line("Contact", "m", contact() + ";expires=" + random_.digits(2, 4) + instance());
        if (random_.one_in(2)) line("Supported", "k", "path, gruu, outbound");
        return from_phone(finish());
    }
    Variant register_answer(const std::string& seen) {
        answer("200 OK", seen, ";tag=" + random_.hex(6, 12), outside_address);
        line("Contact", "m", value(seen, "Contact", "m"));
        line("Date", "Tue, 24 Nov 2026 12:00:" + std::to_string(random_.between(10, 59)) + " GMT");
        return from_provider(finish());
    }

    Variant invite(bool video) {
        new_call();
        start("INVITE", "sip:" + callee_ + "@" + domain_);
        request_lines("INVITE", own_ + ">;tag=" + from_tag_, "<sip:" + callee_ + "@" + domain_ + ">");
        line("Contact", "m", contact());
        capabilities();
        line("Session-Expires", "x", random_.digits(3, 4) + ";refresher=uac");
        line("P-Preferred-Identity", own_ + ">");
        media_port_ = static_cast<std::uint16_t>(media_port_ + 4);
        return from_phone(finish(video ? video_offer() : audio(phone_.address, media_port_, 7)));
    }
    Variant answer_to_invite(const std::string& seen, bool final) {
        answer(final ? "200 OK" : random_.pick({"180 Ringing", "180 ringing at the desk"}), seen,
               ";tag=" + to_tag_, outside_address);
        line("Contact", "m", "<sip:" + random_.hex(4, 16) + "@" + provider_.text() + ">");
        if (routed_)
            line("Record-Route", "<sip:" + provider_.address + ";lr;ftag=" + random_.hex(4, 12) + ">");
        if (!final) return from_provider(finish());
        capabilities();
        const std::string host = "198.51.100." + std::to_string(random_.between(1, 254));
        const auto port = static_cast<std::uint16_t>(2 * random_.between(6000, 20000));
        return from_provider(finish(audio(host, port, 2)));
    }
    Variant in_dialog(const char* method) {
        start(method, "sip:" + random_.hex(4, 16) + "@" + provider_.text());
        request_lines(method, own_ + ">;tag=" + from_tag_,
                      "<sip:" + callee_ + "@" + domain_ + ">;tag=" + to_tag_);
        if (routed_) line("Route", "<sip:" + provider_.address + ";lr>");
        if (method != std::string_view("BYE")) line("Contact", "m", contact());
        return from_phone(finish());
    }

    Variant subscribe() {
        new_call();
        start("SUBSCRIBE", "sip:" + user_ + "@" + domain_);
        request_lines("SUBSCRIBE", own_ + ">;tag=" + from_tag_, own_ + ">");
        line("Contact", "m", contact());
        line("Event", "o", "message-summary");
        line("Expires", random_.digits(3, 4));
        line("Accept", "application/simple-message-summary");
        return from_phone(finish());
    }
    Variant notify(const std::string& seen) {
        start("NOTIFY", uri_of(value(seen, "Contact", "m")));
        line("Via", "v",
             via(provider_) + ", SIP/2.0/UDP 10.44." + random_.digits(1, 2) + "." + random_.digits(1, 2) +
                 ";received=198.51.100.9;branch=z9hG4bK" + random_.hex(10, 30));
        line("From", "f", value(seen, "To", "t") + ";tag=" + to_tag_);
        line("To", "t", value(seen, "From", "f"));
        line("Call-ID", "i", value(seen, "Call-ID", "i"));
        line("CSeq", random_.digits(1, 4) + " NOTIFY");
        line("Contact", "m", "<sip:" + provider_.text() + ">");
        line("Event", "o", "message-summary");
        line("Subscription-State", "active;expires=" + random_.digits(3, 4));
        line("Content-Type", "c", "application/simple-message-summary");
        return from_provider(finish("Messages-Waiting: yes\r\nMessage-Account: sip:" + user_ + "@" + domain_ +
                                    "\r\nVoice-Message: " + random_.digits(1, 2) + "/" +
                                    random_.digits(1, 2) + "\r\n"));
    }

    /// An incoming call to the phone's Contact as in `seen`.
    Variant incoming(const std::string& seen) {
        new_call();
        start("INVITE", uri_of(value(seen, "Contact", "m")));
        line("Via", "v", via(provider_));
        line("Record-Route", "<sip:" + provider_.address + ";lr>");
        line("From", "f",
             "\"" + random_.digits(5, 12) + "\" <sip:" + random_.digits(5, 12) + "@" + domain_ +
                 ">;tag=" + from_tag_);
        line("To", "t", "<sip:" + user_ + "@" + domain_ + ">");
        line("Call-ID", "i", call_id_);
        line("CSeq", random_.digits(1, 4) + " INVITE");
        line("Contact", "m", "<sip:" + random_.hex(4, 16) + "@" + provider_.text() + ">");
        line("P-Asserted-Identity", "<sip:" + random_.digits(5, 12) + "@" + domain_ + ">");
        line("Max-Forwards", random_.digits(2, 2));
        line("User-Agent", agent_);
        capabilities();
        const auto port = static_cast<std::uint16_t>(2 * random_.between(6000, 20000));
        return from_provider(finish(audio("198.51.100." + std::to_string(random_.between(1, 254)), port, 4)));
    }
    Variant answer_from_phone(const std::string& seen) {
        answer("200 OK", seen, ";tag=" + to_tag_, provider_.address);
        line("Record-Route", value(seen, "Record-Route", "Record-Route"));
        line("Contact", "m", contact());
        capabilities();
        media_port_ = static_cast<std::uint16_t>(media_port_ + 2);
        return from_phone(finish(audio(phone_.address, media_port_, 3)));
    }

  private:
    Variant from_phone(std::string text) const { return {Side::inside, phone_, provider_, std::move(text)}; }
    Variant from_provider(std::string text) const {
        return {Side::outside, provider_, phone_, std::move(text)};
    }

    void new_call() {
        call_id_ = random_.hex(8, 32) + (random_.one_in(2) ? "@" + phone_.address : std::string());
        from_tag_ = random_.hex(4, 16);
        to_tag_ = random_.hex(4, 20);
        callee_ = random_.digits(3, 13);
        cseq_ = random_.between(1, 30000);
        own_ = display_ + "<sip:" + user_ + "@" + domain_;
    }

    void start(std::string_view method, const std::string& uri) {
        if (call_id_.empty()) new_call();
        start_ = std::string(method) + " " + uri + " SIP/2.0\r\n";
        lines_.clear();
    }
    void line(std::string_view name, std::string_view compact, const std::string& value) {
        lines_.push_back(std::string(compact_ ? compact : name) + ": " + value + "\r\n");
    }
    void line(std::string_view name, const std::string& value) { line(name, name, value); }

    std::string via(const Endpoint& sender) {
        const std::string branch = ";branch=z9hG4bK" + random_.hex(8, 40);
        return "SIP/2.0/UDP " + sender.text() + (random_.one_in(2) ? branch + ";rport" : ";rport" + branch);
    }
    void request_lines(const std::string& method, const std::string& from, const std::string& to) {
        line("Via", "v", via(phone_));
        line("Max-Forwards", "70");
        line("From", "f", from);
        line("To", "t", to);
        line("Call-ID", "i", call_id_);
        line("CSeq", std::to_string(method == "ACK" ? cseq_ : ++cseq_) + " " + method);
        line("User-Agent", agent_);
    }
    std::string contact() {
        return (random_.one_in(4) ? display_ : std::string()) + "<sip:" + user_ + "@" + phone_.text() +
               contact_tail_ + ">";
    }
    std::string instance() {
        return random_.one_in(2) ? std::string()
                                 : ";+sip.instance=\"<urn:uuid:" + random_.hex(32, 32) + ">\";reg-id=1";
    }
    void capabilities() {
        std::vector<std::string> methods{"INVITE", "ACK",    "CANCEL", "BYE",   "OPTIONS",
                                         "INFO",   "UPDATE", "PRACK",  "REFER", "NOTIFY"};
        random_.shuffle(methods);
        methods.resize(random_.between(5, methods.size()));
        std::string all;
        for (const std::string& method : methods)
            all += (all.empty() ? "" : ", ") + method;
        line("Allow", all);
        line("Supported", "k",
             std::string(random_.pick({"replaces", "replaces, timer", "100rel, timer, norefersub"})));
        if (random_.one_in(2)) line("Allow-Events", "u", "talk, hold, conference, refer");
    }

    /// The answer to what the other side sees as coming from `source`.
    void answer(std::string_view status, const std::string& seen, const std::string& tag,
                std::string_view source) {
        start_ = "SIP/2.0 " + std::string(status) + "\r\n";
        lines_.clear();
        std::string via_value = value(seen, "Via", "v");
        const std::size_t host = via_value.find(' ') + 1;
        const std::size_t port = via_value.find(':', host) + 1;
        via_value.insert(
            via_value.find(";rport") + 6,
            "=" + via_value.substr(port, via_value.find(';') - port) + ";received=" + std::string(source));
        line("Via", "v", via_value);
        line("From", "f", value(seen, "From", "f"));
        line("To", "t", value(seen, "To", "t") + tag);
        line("Call-ID", "i", value(seen, "Call-ID", "i"));
        line("CSeq", value(seen, "CSeq", "CSeq"));
        line("Server", agent_);
    }

    std::string finish(const std::string& body = {}) {
        line("Content-Length", "l", std::to_string(body.size()));
        if (body.starts_with("v=")) line("Content-Type", "c", "application/sdp");
        random_.shuffle(lines_);
        std::string text = start_;
        for (const std::string& one : lines_)
            text += one;
        return text + "\r\n" + body;
    }

    std::string value(const std::string& message, std::string_view name, std::string_view compact) const {
        return std::string(header(message, compact_ ? compact : name));
    }
    static std::string uri_of(const std::string& contact) { return std::string(bracketed_uri(contact)); }

    std::string session(const std::string& host) {
        return "v=0\r\no=" + std::string(random_.pick({"-", "root", "desk"})) + " " + random_.digits(4, 10) +
               " " + random_.digits(1, 10) + " IN IP4 " + host +
               "\r\ns=" + std::string(random_.pick({"-", "call", "SIP Media Capabilities"})) +
               "\r\nc=IN IP4 " + host + "\r\nt=0 0\r\n";
    }
    std::string stream(std::string_view type, std::uint16_t port, std::string_view protocol,
                       std::size_t formats) {
        std::vector<std::pair<std::string, std::string>> codecs{{"0", "PCMU/8000"},
                                                                {"8", "PCMA/8000"},
                                                                {"9", "G722/8000"},
                                                                {"18", "G729/8000"},
                                                                {"3", "GSM/8000"},
                                                                {"97", "iLBC/8000"},
                                                                {"101", "telephone-event/8000"},
                                                                {"110", "opus/48000/2"}};
        if (type == "video")
            codecs = {{"96", "H264/90000"}, {"98", "VP8/90000"}, {"99", "rtx/90000"}, {"34", "H263/90000"}};
        random_.shuffle(codecs);
        codecs.resize(std::min(formats, codecs.size()));
        std::string text =
            "m=" + std::string(type) + " " + std::to_string(port) + " " + std::string(protocol);
        for (const auto& codec : codecs)
            text.append(" ").append(codec.first);
        text += "\r\n";
        for (const auto& [format, name] : codecs) {
            text += "a=rtpmap:" + format + " " + name + "\r\n";
            if (random_.one_in(3))
                text += "a=fmtp:" + format + " " + random_.word(4, 30, "abcdef0123456789=;-") + "\r\n";
        }
        if (random_.one_in(2)) text += "a=ptime:20\r\n";
        return text + "a=sendrecv\r\n";
    }
    std::string audio(const std::string& host, std::uint16_t port, std::size_t formats) {
        return session(host) + stream("audio", port, "RTP/AVP", formats);
    }
    std::string ice(std::uint16_t port) {
        std::string text;
        for (unsigned component = 1; component <= 2; ++component) {
            const std::string at = std::to_string(port + component - 1);
            text += "a=candidate:1 " + std::to_string(component) + " UDP " + random_.digits(10, 10) + " " +
                    phone_.address + " " + at + " typ host\r\n";
            text += "a=candidate:2 " + std::to_string(component) + " UDP " + random_.digits(10, 10) + " " +
                    random_.hex(8, 8) + "-" + random_.hex(4, 4) + ".local " + at + " typ host\r\n";
        }
        return text + "a=rtcp:" + std::to_string(port + 1) + " IN IP4 " + phone_.address +
               "\r\na=ice-ufrag:" + random_.hex(4, 8) + "\r\na=ice-pwd:" + random_.hex(22, 24) +
               "\r\na=rtcp-mux\r\n";
    }
    std::string video_offer() {
        const auto video_port = static_cast<std::uint16_t>(media_port_ + 2);
        const std::string keys =
            "a=setup:actpass\r\na=fingerprint:sha-256 " + random_.word(95, 95, "0123456789ABCDEF:") + "\r\n";
        return session(phone_.address) + keys + stream("audio", media_port_, "UDP/TLS/RTP/SAVPF", 4) +
               "a=mid:0\r\n" + ice(media_port_) + stream("video", video_port, "UDP/TLS/RTP/SAVPF", 3) +
               "a=mid:1\r\n" + ice(video_port) + "a=rtcp-fb:* nack pli\r\n";
    }

    Random random_;
    Endpoint phone_, provider_;
    std::string domain_, user_, display_, agent_, contact_tail_;
    bool compact_ = false, routed_ = false;
    std::uint16_t media_port_ = 0;
    std::string call_id_, from_tag_, to_tag_, callee_, own_;
    std::size_t cseq_ = 1;
    std::string start_;
    std::vector<std::string> lines_;
};

/// Messages of one kind after another, each kind for every phone.
class Script {
  public:
    Script(std::size_t phones, Carrier& carrier) : carrier_(carrier) {
        for (std::size_t i = 0; i < phones; ++i)
            talks_.emplace_back(i);
    }

    /// `say(talk, i)` makes the message of phone `i`. Returns the messages that have arrived.
    template <class Say>
    std::vector<std::string> all(const char* name, const Say& say) {
        Kind kind{name, {}};
        std::vector<std::string> seen;
        for (std::size_t i = 0; i < talks_.size(); ++i) {
            kind.variants.push_back(say(talks_[i], i));
            seen.push_back(carrier_.carry(kind.variants.back()));
        }
        kinds_.push_back(std::move(kind));
        return seen;
    }
    std::vector<Kind> kinds() { return std::move(kinds_); }

  private:
    Carrier& carrier_;
    std::vector<Talk> talks_;
    std::vector<Kind> kinds_;
};

}  // namespace

std::vector<Kind> make_variants(std::size_t phones, Carrier& carrier) {
    Script script(phones, carrier);
    const auto registers =
        script.all("REGISTER", [](Talk& talk, std::size_t) { return talk.register_request(); });
    script.all("200 REGISTER", [&](Talk& talk, std::size_t i) { return talk.register_answer(registers[i]); });
    const auto invites = script.all("INVITE", [](Talk& talk, std::size_t) { return talk.invite(false); });
    script.all("180", [&](Talk& talk, std::size_t i) { return talk.answer_to_invite(invites[i], false); });
    script.all("200 INVITE",
               [&](Talk& talk, std::size_t i) { return talk.answer_to_invite(invites[i], true); });
    script.all("ACK", [](Talk& talk, std::size_t) { return talk.in_dialog("ACK"); });
    script.all("BYE", [](Talk& talk, std::size_t) { return talk.in_dialog("BYE"); });
    script.all("INVITE video", [](Talk& talk, std::size_t) { return talk.invite(true); });
    const auto subscriptions =
        script.all("SUBSCRIBE", [](Talk& talk, std::size_t) { return talk.subscribe(); });
    script.all("NOTIFY", [&](Talk& talk, std::size_t i) { return talk.notify(subscriptions[i]); });
    const auto incoming =
        script.all("INVITE in", [&](Talk& talk, std::size_t i) { return talk.incoming(registers[i]); });
    script.all("200 out", [&](Talk& talk, std::size_t i) { return talk.answer_from_phone(incoming[i]); });
    return script.kinds();
}

}  // namespace bench
