package dev.oms.http;

import dev.oms.PackagedWorker;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;

@QuarkusIntegrationTest
@WithTestResource(PackagedWorker.class)
class OverloadIT extends OverloadTest {}
