package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.http.HttpClosedException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ProblemMappersTest {
    private final ProblemMappers mappers = new ProblemMappers();

    static Stream<Exception> closedConnections() {
        return Stream.of(
                new IllegalStateException(new HttpClosedException("Connection was closed")),
                new ClosedChannelException(),
                new IOException("Failed to write", new ClosedChannelException()),
                new IOException("recvAddress(..) failed: Connection reset by peer"));
    }

    @ParameterizedTest
    @MethodSource("closedConnections")
    void aClientThatDisconnectsIsNoFailure(Exception e) {
        assertThat(mappers.unexpected(e).getStatus()).isEqualTo(400);
    }

    @Test
    void anotherFailureToReadOrWriteIsUnexpected() {
        assertThat(mappers.unexpected(new IOException("No space left on device"))
                        .getStatus())
                .isEqualTo(500);
    }
}
