package dev.oms.http;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import jakarta.validation.constraints.Min;

/** Settings for accepting requests. */
@ConfigMapping(prefix = "oms.http")
interface HttpConfig {
    /** Maximum number of calls in progress; far more than a web process can serve in a second. */
    @WithDefault("1000")
    @Min(1)
    int maxCalls();

    /**
     * Maximum number of calls that wait for a change ({@link WaitPreference}); further ones are answered at once. Each
     * is a connection, in HTTP/2 a stream, and some 20 KB.
     */
    @WithDefault("3000")
    @Min(0)
    int maxWaiting();
}
