package dev.oms.audit;

import dev.oms.PackagedWorker;
import dev.oms.WithoutConsumer;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import io.quarkus.test.junit.TestProfile;
import org.junit.jupiter.api.Tag;

@Tag("native")
@QuarkusIntegrationTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(PackagedWorker.class)
class AuditIT extends AuditTest {}
