package dev.oms.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import dev.oms.OmsServers;
import dev.oms.Streams;
import dev.oms.WithoutConsumer;
import dev.oms.http.RedisProblem;
import io.quarkus.redis.datasource.RedisDataSource;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.vertx.redis.client.Command;
import jakarta.inject.Inject;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A Redis that answers {@code PING}, and that no worker can use. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class RedisProblemTest {
    @Inject
    ProbeRedis probe;

    @Inject
    RedisDataSource redis;

    @BeforeEach
    void empty() {
        redis.flushall();
    }

    @AfterEach
    void mend() {
        run("ACL SETUSER default +@all");
        run("CONFIG SET maxmemory 0");
        run("REPLICAOF NO ONE");
        redis.flushall();
    }

    private void run(String command) {
        String[] words = command.split(" ");
        OmsServers.streams().redis(Command.create(words[0]), (Object[]) Arrays.copyOfRange(words, 1, words.length));
    }

    private HealthCheckResponse readiness() {
        return new ConsumerReadiness(probe, new TestWorker.Hurry())
                .call()
                .await()
                .atMost(Duration.ofSeconds(30));
    }

    @ParameterizedTest
    @CsvSource({
        "CONFIG SET maxmemory 1, full, true",
        "REPLICAOF 127.0.0.1 1, read_only, true",
        "SET oms:inventory-jobs x, wrong_type, false",
        "ACL SETUSER default -set, refused, true",
        "ACL SETUSER default -hset, refused, true",
        "ACL SETUSER default -xgroup, refused, true",
        "ACL SETUSER default -xadd, refused, true",
        "ACL SETUSER default -xreadgroup, refused, true",
        "ACL SETUSER default -xdel, refused, true",
        "ACL SETUSER default -xack, refused, true"
    })
    void isTold(String command, String problem, boolean answers) {
        run(command);

        HealthCheckResponse readiness = readiness();
        assertThat(readiness.getStatus()).isEqualTo(Status.DOWN);
        assertThat(readiness.getData()).contains(Map.of("problem", problem));
        given().get("/jobs")
                .then()
                .statusCode(200)
                .body("redis_problem", equalTo(problem))
                .body("redis", equalTo(answers));
    }

    @Test
    void isToldAsUnavailableWhenItDoesNotAnswer() throws IOException {
        OmsServers.servers().stopRedis();
        try {
            assertThat(readiness().getData()).contains(Map.of("problem", "unavailable"));
            given().get("/jobs").then().body("redis_problem", equalTo("unavailable"));
        } finally {
            OmsServers.servers().startRedis();
        }
    }

    @Test
    void isUnavailableWhenItHangsUpDuringACommand() {
        CompletableFuture<Object> command = redis.getReactive()
                .execute("BLPOP", "oms:nothing", "30")
                .onItem()
                .<Object>transform(reply -> reply)
                .onFailure()
                .recoverWithItem(e -> RedisProblem.of(e))
                .subscribeAsCompletionStage();
        Pattern blocked = Pattern.compile("id=(\\d+) .* cmd=blpop ");
        String id = await().until(
                        () -> blocked.matcher(redis.execute("CLIENT", "LIST").toString()), Matcher::find)
                .group(1);

        run("CLIENT KILL ID " + id);

        assertThat(command.orTimeout(30, TimeUnit.SECONDS).join()).isEqualTo(RedisProblem.UNAVAILABLE);
    }

    @ParameterizedTest
    @CsvSource({"DEL oms:inventory-jobs", "XADD oms:inventory-jobs * order_id 1"})
    void thereIsNoneWithAStreamOrWithNothing(String command) {
        run(command);

        assertThat(readiness().getStatus()).isEqualTo(Status.UP);
        given().get("/jobs").then().body("redis_problem", equalTo(null)).body("redis", equalTo(true));
        assertThat(redis.execute("TYPE", Streams.JOBS).toString()).isIn("stream", "none");
        assertThat(redis.execute("TYPE", "oms:probe").toString()).isEqualTo("string");
    }
}
