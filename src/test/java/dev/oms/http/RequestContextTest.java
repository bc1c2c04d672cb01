package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import io.quarkus.arc.Arc;
import io.quarkus.arc.ManagedContext;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.UniEmitter;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** The request context of a call stays with it. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class RequestContextTest {
    /** As when two calls wait for one answer of Redis about the quota of their key. */
    @Test
    void isNotTakenToTheThreadThatBringsAnAnswer() throws InterruptedException {
        ManagedContext context = Arc.container().requestContext();
        AtomicReference<UniEmitter<? super Object>> redis = new AtomicReference<>();
        CompletableFuture<Object> answer =
                Uni.createFrom().<Object>emitter(redis::set).subscribeAsCompletionStage();
        CompletableFuture<Boolean> isActive;
        context.terminate();
        context.activate();
        try {
            isActive = answer.thenApply(answered -> context.isActive());

            Thread.ofPlatform().start(() -> redis.get().complete("yes")).join();
        } finally {
            context.terminate();
        }

        assertThat(isActive.join()).isFalse();
    }
}
