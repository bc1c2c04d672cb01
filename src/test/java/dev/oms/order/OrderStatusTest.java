package dev.oms.order;

import static dev.oms.order.OrderStatus.Confirmed;
import static dev.oms.order.OrderStatus.OutForDelivery;
import static dev.oms.order.OrderStatus.Received;
import static dev.oms.order.OrderStatus.Rejected;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.oms.http.ProblemException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The transition table, as the README draws it. */
class OrderStatusTest {
    @ParameterizedTest
    @CsvSource(nullValues = "-", delimiter = '|', textBlock = """
            Pending        | Confirmed,Rejected | Received                 | true  | false
            Received       | Confirmed,Rejected | -                        | true  | false
            Confirmed      | -                  | OutForDelivery,Delivered | true  | true
            OutForDelivery | -                  | Delivered                | true  | true
            Delivered      | -                  | -                        | false | true
            Rejected       | -                  | -                        | true  | false
            Cancelled      | -                  | -                        | true  | false
            """)
    void allowsExactlyTheTable(
            OrderStatus from, String bySettling, String byUpdate, boolean cancellable, boolean holdsStock) {
        assertThat(from.bySettling()).isEqualTo(statuses(bySettling));
        assertThat(from.byUpdate()).isEqualTo(statuses(byUpdate));
        assertThat(from.isCancellable()).isEqualTo(cancellable);
        assertThat(from.holdsStock()).isEqualTo(holdsStock);
        assertThat(from.dueByCancelling().isPresent()).isEqualTo(from == Confirmed || from == OutForDelivery);
    }

    @ParameterizedTest
    @EnumSource
    void neverLetsAClientSetTheConsumersStatuses(OrderStatus from) {
        assertThat(from.allowed()).doesNotContain(Confirmed, Rejected).doesNotContain(from);
    }

    @ParameterizedTest
    @EnumSource
    void changesToAllowedStatusesAndListsThemOtherwise(OrderStatus next) {
        Order order = new Order(1, Instant.EPOCH) {
            @Override
            long id() {
                return 7;
            }
        };

        if (next == OrderStatus.Pending || next == Received) {
            order.changeTo(next, Instant.MAX);

            assertThat(order.status()).isEqualTo(next);
            assertThat(order.updatedAt()).isEqualTo(next == Received ? Instant.MAX : Instant.EPOCH);
        } else {
            assertThatThrownBy(() -> order.changeTo(next, Instant.MAX))
                    .isInstanceOfSatisfying(ProblemException.class, refused -> {
                        assertThat(refused.problem().status()).isEqualTo(409);
                        assertThat(refused.problem().allowed()).containsExactly("Received", "Cancelled");
                    });
            assertThat(order.status()).isEqualTo(OrderStatus.Pending);
        }
    }

    private static Set<OrderStatus> statuses(String names) {
        return names == null
                ? Set.of()
                : Arrays.stream(names.split(",")).map(OrderStatus::valueOf).collect(Collectors.toSet());
    }
}
