package dev.oms.webhook;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.util.List;
import java.util.Optional;

/** Settings for webhooks. Public, because they are validated by reflection: they have groups. */
@ConfigMapping(prefix = "oms.webhooks")
public interface WebhookConfig {
    /**
     * Ranges of addresses that may be sent to although they are not public, and without TLS. Everything else must be
     * public, and {@code https}.
     */
    Optional<List<@WithConverter(AddressRange.OfString.class) AddressRange>> allow();

    Dispatcher dispatcher();

    Purge purge();

    /** Settings of the purge of old attempts. */
    interface Purge {
        /** How often to purge; "off" to never do so. */
        @WithDefault("off")
        String every();
    }

    /** Settings of the dispatcher. */
    interface Dispatcher {
        /** How soon a dispatcher that has ended is started again; "off" for no dispatcher. */
        @WithDefault("off")
        String every();

        /** How many requests to one endpoint may be under way. */
        @WithDefault("32")
        @Min(1)
        @Max(256)
        int perEndpoint();
    }
}
