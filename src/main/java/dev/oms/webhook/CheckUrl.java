package dev.oms.webhook;

import dev.oms.http.ProblemException;
import dev.oms.webhook.CheckAddresses.Refused;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.UnknownHostException;

/**
 * Tells whoever enters a URL at once if nothing would be sent there. The workers check again whenever they send, since
 * a name may lead somewhere else by then.
 */
@ApplicationScoped
class CheckUrl {
    private final CheckAddresses checkAddresses;

    CheckUrl(CheckAddresses checkAddresses) {
        this.checkAddresses = checkAddresses;
    }

    /**
     * Parses a URL and looks up its host. A name that cannot be resolved is accepted: it may exist soon, or only where
     * the workers are.
     *
     * @param text null for none
     * @return null for none
     * @throws ProblemException 422 when nothing would be sent there
     */
    WebhookUrl check(String text) {
        if (text == null) {
            return null;
        }
        try {
            WebhookUrl url = WebhookUrl.parse(text);
            checkAddresses.resolve(url);
            return url;
        } catch (UnknownHostException e) {
            return WebhookUrl.parse(text);
        } catch (IllegalArgumentException e) {
            throw ProblemException.invalid("url", e.getMessage());
        } catch (Refused e) {
            throw ProblemException.invalid("url", "leads nowhere that webhooks are sent to: " + e.getMessage());
        }
    }
}
