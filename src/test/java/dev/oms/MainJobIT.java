package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.process.OmsProcess;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import java.io.IOException;
import org.junit.jupiter.api.Tag;

@Tag("full")
@QuarkusIntegrationTest
@WithTestResource(PackagedWorker.class)
class MainJobIT extends MainJobTest {
    @Override
    void seed() throws IOException, InterruptedException {
        int exitCode = new OmsProcess("it-seed", "prod", OmsServers.servers().settings()).run("--seed");

        assertThat(exitCode).isZero();
    }
}
