package dev.oms.webhook;

import dev.oms.http.ProblemException;
import dev.oms.webhook.CheckAddresses.Refused;
import jakarta.enterprise.context.ApplicationScoped;

/**
 * Rejects a URL that workers would refuse to send to. They check again whenever they send, since a name may have other
 * addresses by then.
 */
@ApplicationScoped
class CheckUrl {
    private final LookUpAddresses addresses;

    CheckUrl(LookUpAddresses addresses) {
        this.addresses = addresses;
    }

    /**
     * Parses a URL and looks up its host. A name that cannot be resolved, or not in time, is accepted: it may exist
     * soon, or only where the workers are. While no range is allowed, every {@code http} URL is refused.
     *
     * @param text null for none
     * @return null for none
     * @throws ProblemException 422 when workers would refuse it
     */
    WebhookUrl check(String text) {
        if (text == null) {
            return null;
        }
        WebhookUrl url = parse(text);
        Refused refused = addresses.of(url).join().refused();
        if (refused != null) {
            throw ProblemException.invalid("url", refused.rule());
        }
        return url;
    }

    private static WebhookUrl parse(String text) {
        try {
            return WebhookUrl.parse(text);
        } catch (IllegalArgumentException e) {
            throw ProblemException.invalid("url", e.getMessage());
        }
    }
}
