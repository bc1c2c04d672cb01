package dev.oms.webhook;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.event.EventFeed;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;

/** A worker in this process, until it is closed. */
final class TestDispatcher implements AutoCloseable {
    private final DispatchWebhooks dispatcher;
    private final Thread thread;

    TestDispatcher(
            EventFeed feed,
            WebhookLeases leases,
            SaveProgress saver,
            SendMessage sender,
            Secrets secrets,
            ObjectMapper mapper,
            WebhookConfig config) {
        dispatcher = new DispatchWebhooks(
                feed,
                leases,
                saver,
                sender,
                secrets,
                mapper,
                Clock.systemUTC(),
                config,
                new WebhookMetrics(new SimpleMeterRegistry(), Clock.systemUTC()));
        thread = Thread.ofVirtual().start(dispatcher::run);
    }

    @Override
    public void close() {
        dispatcher.stop(null);
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
