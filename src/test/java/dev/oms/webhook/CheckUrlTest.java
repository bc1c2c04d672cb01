package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CheckUrlTest {
    /** A look-up takes a carrier from all virtual threads, and a name server may be silent. */
    @Test
    void acceptsANameThatIsNotResolvedInTimeAndBlocksNoVirtualThread() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        CompletableFuture<Boolean> isVirtual = new CompletableFuture<>();
        CheckUrl check = new CheckUrl(new LookUpAddresses(new CheckAddresses(List.of(), host -> {
            isVirtual.complete(Thread.currentThread().isVirtual());
            try {
                end.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            throw new IllegalStateException("nobody waits for this");
        })));
        CompletableFuture<WebhookUrl> checked = new CompletableFuture<>();

        Thread.startVirtualThread(() -> checked.complete(check.check("https://silent.example/oms")));

        assertThat(checked.get(1, TimeUnit.MINUTES)).isEqualTo(WebhookUrl.parse("https://silent.example/oms"));
        assertThat(isVirtual.get()).isFalse();
        end.countDown();
    }
}
