package dev.oms.http;

import dev.oms.PackagedWorker;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import io.quarkus.test.junit.TestProfile;

@QuarkusIntegrationTest
@TestProfile(OverloadTest.Small.class)
@WithTestResource(PackagedWorker.class)
class OverloadIT extends OverloadTest {}
