// The form in which messages show a mapping to its phone (S2, S4).
#pragma once

#include "alg/rewrite/translation.hpp"

namespace sipalg::nat {

/// Kept with each mapping, so that addresses in messages to the phone have the form that the phone uses.
struct ShownForm {
    bool inside = false;    ///< the phone is shown the inside endpoint, else the public one, which it writes
    bool presumed = false;  ///< `inside` is a guess: the phone itself has written nothing yet
    /// The form of the port in a Via and in a URI of the phone.
    rewrite::PortForm via_form = rewrite::PortForm::given, uri_form = rewrite::PortForm::given;
    friend bool operator==(const ShownForm&, const ShownForm&) = default;

    /// The form for a phone that has written nothing yet and should be shown inside values.
    ShownForm when_presumed() const {
        ShownForm form = *this;
        if (!inside) form.inside = form.presumed = true;
        return form;
    }
    /// The form after the phone's inside endpoint was replaced in a message.
    ShownForm when_rewritten() const {
        ShownForm form = *this;
        form.inside = true;
        form.presumed = false;
        return form;
    }
    /// The same for a Via or a URI, with this form of the port.
    ShownForm when_written(bool via, rewrite::PortForm port) const {
        ShownForm form = when_rewritten();
        (via ? form.via_form : form.uri_form) = port;
        return form;
    }
    /// The form after the phone has written the public endpoint itself. An earlier inside form stays.
    ShownForm when_public() const {
        ShownForm form = *this;
        if (presumed) form.inside = form.presumed = false;
        return form;
    }
};

}  // namespace sipalg::nat
