package dev.oms.http;

import io.micrometer.core.instrument.Tags;
import io.quarkus.micrometer.runtime.HttpServerMetricsTagsContributor;
import io.vertx.core.MultiMap;
import jakarta.inject.Singleton;

/**
 * Labels the requests that ask to wait ({@link WaitPreference}), because their duration is not latency: {@code prefer}
 * is {@code wait} or {@code none}.
 */
@Singleton
class TagWaits implements HttpServerMetricsTagsContributor {
    private static final Tags WAIT = Tags.of("prefer", "wait");
    private static final Tags NONE = Tags.of("prefer", "none");

    @Override
    public Tags contribute(Context context) {
        MultiMap headers = context.request().headers();
        return headers.contains(WaitPreference.HEADER)
                        && WaitPreference.from(headers.getAll(WaitPreference.HEADER))
                                .isPresent()
                ? WAIT
                : NONE;
    }
}
