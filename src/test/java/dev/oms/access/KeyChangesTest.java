package dev.oms.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.LogLines;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.TimeoutException;
import jakarta.inject.Inject;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(OmsServers.class)
class KeyChangesTest {
    @Inject
    KeyChanges keyChanges;

    /** As the first one often does, whose connection opens while everything starts. */
    @Test
    void aSlowAnswerIsNoOutage() {
        try (LogLines log = new LogLines(KeyChanges.class.getName())) {
            keyChanges.compare(null);
            keyChanges.down(new TimeoutException());
            keyChanges.compare(null);

            assertThat(log.lines()).isEmpty();
        }
    }
}
