package dev.oms.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.time.Clock;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Without the schedule, so that the test's report is the first one of the process. */
@Tag("full")
@QuarkusTest
@TestProfile(PostgresGaugeTest.WithoutFlow.class)
@WithTestResource(OmsServers.class)
class FlowRecorderTest {
    @Inject
    FlowRecorder recorder;

    @Inject
    FlowBuckets buckets;

    @Inject
    Clock clock;

    @Test
    void theFirstReportContainsWhatWasPlacedBeforeIt() {
        long before = placed();
        String item = Shop.uniqueName();
        Shop.item(item, 1, 0);
        Shop.order(Shop.user(), Map.of(item, 1));

        recorder.run();

        assertThat(placed()).isEqualTo(before + 1);
    }

    private long placed() {
        return buckets.read(FlowBuckets.startOf(clock.instant())).stream()
                .mapToLong(FlowBuckets.Bucket::placed)
                .sum();
    }
}
