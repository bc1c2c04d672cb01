package dev.oms.job;

import dev.oms.PackagedWorker;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import org.junit.jupiter.api.Tag;

@Tag("full")
@Tag("packaged")
@QuarkusIntegrationTest
@WithTestResource(PackagedWorker.class)
class JobResourceIT extends JobResourceTest {}
