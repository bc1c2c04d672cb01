package dev.oms.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.http.ProblemException;
import java.net.UnknownHostException;
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

    /** Whatever its address turns out to be, nothing could be sent there. */
    @Test
    void refusesHttpForANameThatCannotBeResolvedUnlessSomeRangeIsAllowed() {
        WebhookUrl url = WebhookUrl.parse("http://nowhere.example/oms");

        assertThatThrownBy(() -> check("").check(url.toString()))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().errors().toString()).contains("must begin with https://"));
        assertThat(check("10.0.0.0/8").check(url.toString())).isEqualTo(url);
    }

    private static CheckUrl check(String allowed) {
        List<AddressRange> ranges = allowed.isEmpty() ? List.of() : List.of(AddressRange.of(allowed));
        return new CheckUrl(new LookUpAddresses(new CheckAddresses(ranges, host -> {
            throw new UnknownHostException();
        })));
    }
}
